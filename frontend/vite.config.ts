import { defineConfig, loadEnv } from "vite";

/** `EMBEDLAB_URL` points the development server at a running gateway. */
export default defineConfig(({ mode }) => {
  const gateway = loadEnv(mode, ".", "EMBEDLAB_").EMBEDLAB_URL ?? "http://127.0.0.1:8080";
  return {
    build: {
      target: "es2022",
      // Browsers that know light-dark(): written out for older ones, it would be decided once at the root, and the
      // dark parts of a light page would be light.
      cssTarget: ["chrome123", "firefox120", "safari17.5"],
      // Data URLs would need `img-src data:`; every asset stays a file of our own origin.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    server: {
      host: "127.0.0.1",
      proxy: { "/api": gateway, "/iiif": gateway, "/dicomweb": gateway },
    },
  };
});
