/** Where the compiled simulator and its sources are; this module runs from the build. */
export const BUILD = new URL('../../../', import.meta.url);
export const SOURCES = new URL('../../', BUILD);
