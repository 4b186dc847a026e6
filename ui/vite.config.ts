import { defineConfig } from 'vite';

/**
 * The page is served under a Content-Security-Policy without inline scripts, inline styles or data: modules,
 * and below any path: everything is a file of its own with a relative address.
 */
export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/ui',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    // hls.js is one large chunk, loaded when somebody plays.
    chunkSizeWarningLimit: 700,
  },
});
