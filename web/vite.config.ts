import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The policy of the pages allows no inline script, so none is made: no preload helper, and no small file inside another.
export default defineConfig({
  plugins: [react()],
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, emptyOutDir: false, manifest: 'manifest.json' },
  server: { proxy: { '/api': process.env.TOCSIN ?? 'http://127.0.0.1:8787' } },
  test: { include: ['src/**/*.test.ts'] },
});
