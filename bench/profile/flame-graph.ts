/** Flame graphs by speedscope: its page beside the profiles, so that a folder is all that it takes to look at them. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

const PAGE_FOLDER = 'speedscope';
/** Of speedscope's own build: what only other formats need, and its examples. */
const LEFT_OUT = /^perf-vertx|\.wasm$/;

/** For each profile of the folder a page `NAME.html`. */
export function writeFlameGraphs(folder: string): readonly string[] {
  const build = join(dirname(createRequire(import.meta.url).resolve('speedscope/package.json')), 'dist', 'release');
  cpSync(build, join(folder, PAGE_FOLDER), { recursive: true, filter: (file) => !LEFT_OUT.test(basename(file)) });
  return readdirSync(folder)
    .filter((file) => file.endsWith('.cpuprofile'))
    .sort()
    .map((file) => writePage(folder, file));
}

function writePage(folder: string, file: string): string {
  const name = file.slice(0, -'.cpuprofile'.length);
  const profile = readFileSync(join(folder, file)).toString('base64');
  writeFileSync(join(folder, `${name}.js`), `speedscope.loadFileFromBase64(${JSON.stringify(file)}, "${profile}")\n`);
  const page = join(folder, `${name}.html`);
  writeFileSync(page, pageOf(name));
  return page;
}

/** speedscope's page is told by its hash which script hands it the profile, by its whole path: so the folder can be moved. */
const pageOf = (name: string): string => `<!doctype html>
<meta charset="utf-8">
<title>${name}</title>
<script>
  const folder = location.pathname.slice(1, location.pathname.lastIndexOf('/') + 1);
  location = '${PAGE_FOLDER}/index.html#view=left-heavy&localProfilePath=' + folder + '${name}.js';
</script>
`;
