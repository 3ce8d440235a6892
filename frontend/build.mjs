// Builds src/laer/web/static/dist from frontend/src: one style sheet, small modules, the icons that are used, the fonts.
//   node build.mjs            once
//   node build.mjs --watch    again whenever a template or a source changes
import { build } from "esbuild";
import { PurgeCSS } from "purgecss";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { cp, mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { existsSync, watch } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const laer = join(here, "..", "src", "laer");
const source = join(here, "src");
const modules = join(here, "node_modules");
const out = join(laer, "web", "static", "dist");

// Icons whose names reach the sprite from data (navigation of PAGES.md, record types) and so stand in no template.
const ICONS_FROM_DATA = [
  "activity", "adjustments", "arrows-exchange", "briefcase", "building", "building-community", "calendar-event", "category", "chart-bar", "chart-line",
  "database", "file-import", "flask", "home", "lifebuoy", "map-pin", "plant-2", "plug", "rocket", "rotate-clockwise-2", "route", "seedling",
  "settings", "stethoscope", "sun-high", "target-arrow", "timeline-event", "trending-up", "user", "users", "users-group", "wave-sine",
];

async function files(folder, endings) {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !path.startsWith(out));
}

async function texts() {
  const paths = [...(await files(laer, [".html", ".py"])), ...(await files(source, [".js"]))];
  return Promise.all(paths.map(async (path) => ({ path, raw: await readFile(path, "utf8") })));
}

// Where icons are named: {% icon "x" %} (must exist), icon="x" in an include or a call, "icon": "x" in a dict, icon|default:"x".
const STRICT = /\{%-?\s*icon\s+["']([a-z0-9-]+)["']/g;
const FALLBACK = /\bicon\|default:["']([a-z0-9-]+)["']/g;
const LOOSE = /\bicon["']?\s*[:=(]\s*["']([a-z0-9-]+)["']/g;

async function sprite(contents) {
  const folder = join(modules, "@tabler", "icons", "icons", "outline");
  const names = new Set(ICONS_FROM_DATA);
  const missing = [];
  for (const { path, raw } of contents) {
    for (const match of raw.matchAll(STRICT)) {
      if (match[1] === "laer-mark") continue; // our own, added below
      if (existsSync(join(folder, `${match[1]}.svg`))) names.add(match[1]);
      else missing.push(`${relative(laer, path)}: no icon "${match[1]}" in @tabler/icons`);
    }
    // A Python file that speaks of icons may name them anywhere (a table of navigation entries): every literal that is one counts.
    if (path.endsWith(".py") && /\bicon/.test(raw)) for (const match of raw.matchAll(/["']([a-z0-9-]+)["']/g)) if (existsSync(join(folder, `${match[1]}.svg`))) names.add(match[1]);
    for (const match of [...raw.matchAll(LOOSE), ...raw.matchAll(FALLBACK)]) if (existsSync(join(folder, `${match[1]}.svg`))) names.add(match[1]);
  }
  for (const name of ICONS_FROM_DATA) if (!existsSync(join(folder, `${name}.svg`))) missing.push(`build.mjs: no icon "${name}"`);
  if (missing.length) throw new Error(missing.join("\n"));
  const symbols = await Promise.all(
    [...names].sort().map(async (name) => {
      const svg = await readFile(join(folder, `${name}.svg`), "utf8");
      const inner = svg.replace(/<!--[\s\S]*?-->/g, "").replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "");
      const paths = inner.replace(/<path stroke="none"[^>]*\/>/, "").replace(/\s*\n\s*/g, "").trim();
      return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${paths}</symbol>`;
    }),
  );
  const mark = (await readFile(join(source, "brand", "mark.svg"), "utf8")).replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").replace(/\s*\n\s*/g, "");
  symbols.push(`<symbol id="laer-mark" viewBox="0 0 24 24">${mark}</symbol>`);
  await writeFile(join(out, "sprite.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`);
  return names.size;
}

async function styles(contents) {
  const css = await readFile(join(modules, "@tabler", "core", "dist", "css", "tabler.css"), "utf8");
  const [purged] = await new PurgeCSS().purge({
    css: [{ raw: css }],
    content: contents.map(({ path, raw }) => ({ raw, extension: path.split(".").pop() })),
    // No `variables: true`: it would delete custom properties that only JavaScript reads.
    keyframes: true,
    fontFace: true,
    // allauth and Django put these on form errors from their own code, which is not scanned.
    safelist: { standard: ["errorlist", "helptext", "is-invalid", "invalid-feedback"] },
    // Tabler's own components that share a word with our pages and would otherwise be kept for the word alone.
    blocklist: [/^(modal|carousel|accordion|offcanvas|toast|tooltip|popover|timeline|chat|datagrid|pricing|tracking|star|payment|flag|avatar|steps|placeholder|spinner|ribbon|navbar|tag|tags|legend|code|status)(-|$)/],
  });
  await writeFile(join(modules, ".laer-tabler.css"), purged.css.replace(/@charset[^;]*;/, ""));
  const result = await build({
    entryPoints: [join(source, "css", "app.css")],
    outfile: join(out, "app.css"),
    bundle: true,
    minify: true,
    target: ["chrome123", "firefox121", "safari17.5"],
    external: ["*.woff2"],
    legalComments: "none",
    metafile: true,
  });
  await rm(join(modules, ".laer-tabler.css"));
  return result;
}

async function scripts() {
  const common = { bundle: true, minify: true, target: ["chrome123", "firefox121", "safari17.5"], legalComments: "none" };
  await build({ ...common, entryPoints: [join(source, "theme.js")], outfile: join(out, "theme.js"), format: "iife" });
  await build({
    ...common,
    entryPoints: [join(source, "app.js")],
    outdir: out,
    format: "esm",
    splitting: true,
    chunkNames: "[name]-[hash]",
  });
}

async function copies() {
  const fonts = join(modules, "@fontsource-variable", "inter", "files");
  await mkdir(join(out, "fonts"), { recursive: true });
  for (const set of ["latin", "latin-ext", "cyrillic", "greek", "vietnamese"]) {
    await cp(join(fonts, `inter-${set}-wght-normal.woff2`), join(out, "fonts", `inter-${set}.woff2`));
  }
  await cp(join(source, "brand", "favicon.svg"), join(out, "favicon.svg"));
  await cp(join(source, "brand", "logo.svg"), join(out, "logo.svg"));
  const licences = [["htmx.org", "LICENSE"], ["@tabler/core", "LICENSE"], ["@tabler/icons", "LICENSE"], ["echarts", "LICENSE"], ["zrender", "LICENSE"], ["@fontsource-variable/inter", "LICENSE"]];
  const parts = [];
  for (const [name, file] of licences) {
    const path = join(modules, name, file);
    const { version, license } = JSON.parse(await readFile(join(modules, name, "package.json"), "utf8"));
    parts.push(`${name} ${version} (${license})\n\n${existsSync(path) ? await readFile(path, "utf8") : ""}`);
  }
  await writeFile(join(out, "LICENSES.txt"), parts.join(`\n${"-".repeat(72)}\n`));
}

async function report(icons, took) {
  const rows = [];
  for (const entry of await readdir(out)) {
    if (!/\.(css|js|svg)$/.test(entry)) continue;
    const raw = await readFile(join(out, entry));
    rows.push([entry, raw.length, gzipSync(raw).length, brotliCompressSync(raw).length]);
  }
  const kb = (bytes) => (bytes / 1024).toFixed(1).padStart(8);
  console.log("file".padEnd(28) + "  raw KB    gzip  brotli");
  for (const [name, ...sizes] of rows.sort()) console.log(name.padEnd(28) + sizes.map(kb).join(""));
  console.log(`${icons} icons, ${took} ms`);
}

async function all() {
  const started = Date.now();
  const contents = await texts();
  // What stood before is replaced file by file, so that a server that is running never meets an empty folder.
  await mkdir(out, { recursive: true });
  const before = new Set((await readdir(out)).filter((name) => /^(charts|chunk)-/.test(name)));
  const stamp = Date.now();
  const icons = await sprite(contents);
  await styles(contents);
  await scripts();
  await copies();
  for (const name of before) if ((await stat(join(out, name))).mtimeMs < stamp - 50) await rm(join(out, name));
  await report(icons, Date.now() - started);
}

await all();

if (process.argv.includes("--watch")) {
  let timer;
  const again = (_, name) => {
    if (!name || name.includes("static/dist") || name.startsWith(".")) return;
    clearTimeout(timer);
    timer = setTimeout(() => all().catch((error) => console.error(error.message)), 150);
  };
  for (const folder of [source, laer]) watch(folder, { recursive: true }, again);
  console.log("watching; Ctrl-C ends it");
}
