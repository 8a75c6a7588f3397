// Builds into the Python package, from where the server gives the files out below /ui/.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const socket = process.env.HOLDFAST_SOCKET ?? "/var/lib/holdfast/unix.socket";

export default defineConfig({
  base: "/ui/",
  plugins: [react()],
  css: { preprocessorOptions: { scss: { quietDeps: true, silenceDeprecations: ["legacy-js-api", "import"] } } },
  build: {
    outDir: "../src/holdfast/server/webui_files",
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    // The content policy has no data: for scripts and fonts, and small files gain nothing by being inlined.
    assetsInlineLimit: 0,
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/1.0": { target: { socketPath: socket, host: "localhost", port: 80 } as never, ws: true } },
  },
});
