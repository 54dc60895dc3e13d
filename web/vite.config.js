import { defineConfig } from 'vite'

export default defineConfig({
  // Where the gateway serves the Playground.
  base: '/playground/',
  build: {
    outDir: 'dist',
    // Every asset is a file with a hash in its name: the gateway lets browsers
    // keep these for good.
    assetsInlineLimit: 0,
    // The licences of what is bundled travel with it, in dist/.vite/license.md.
    license: true,
    // Monaco is one large piece, loaded from the gateway itself: no use in
    // warning of it.
    chunkSizeWarningLimit: 8192,
    reportCompressedSize: false,
    // React libraries mark their files with "use client", for servers that
    // render them: it means nothing in a bundle.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
})
