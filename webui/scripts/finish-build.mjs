// After the build: writes the compressed twin of each file, and fails when the first load has grown too large.
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const OUTPUT = fileURLToPath(new URL("../../src/holdfast/server/webui_files", import.meta.url));
const LARGEST_FIRST_LOAD_BYTES = 300_000;
const SMALLEST_COMPRESSED_BYTES = 1024;
const COMPRESSIBLE = /\.(js|css|html|svg|json)$/;

function filesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** Everything that a browser fetches before the first page stands: the entry, the page, and what both import. */
function firstLoad(manifest) {
  const found = new Set(["index.html"]);
  const visit = (key) => {
    const chunk = manifest[key];
    if (chunk === undefined || found.has(chunk.file)) return;
    found.add(chunk.file);
    for (const style of chunk.css ?? []) found.add(style);
    for (const each of chunk.imports ?? []) visit(each);
  };
  visit("index.html");
  visit("src/pages/overview/overview-page.tsx");
  return [...found];
}

function compress(path) {
  const bytes = readFileSync(path);
  if (!COMPRESSIBLE.test(path) || bytes.length < SMALLEST_COMPRESSED_BYTES) return;
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}

const manifestPath = join(OUTPUT, ".vite", "manifest.json");
const manifest = JSON.parse(readFileSync(manifestPath, "utf8"));
rmSync(join(OUTPUT, ".vite"), { recursive: true });
for (const path of filesBelow(OUTPUT)) compress(path);
const sizes = firstLoad(manifest).map((file) => {
  const path = join(OUTPUT, file);
  return gzipSync(readFileSync(path), { level: 9 }).length;
});
const total = sizes.reduce((sum, each) => sum + each, 0);
const whole = filesBelow(OUTPUT).filter((path) => !/\.(gz|br)$/.test(path));
const bytes = whole.reduce((sum, path) => sum + statSync(path).size, 0);
console.log(`First load: ${total} bytes with gzip, in ${sizes.length} files; all: ${bytes} bytes, in ${whole.length} files`);
if (total > LARGEST_FIRST_LOAD_BYTES) {
  console.error(`The first load may have ${LARGEST_FIRST_LOAD_BYTES} bytes: load what the first page doesn't need later.`);
  process.exit(1);
}
