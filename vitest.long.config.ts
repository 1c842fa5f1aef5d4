import { defineConfig } from 'vitest/config';
import { LONG, shared } from './vitest.config.js';

export default defineConfig({ test: { ...shared, include: LONG } });
