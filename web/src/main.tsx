import '@mantine/core/styles.css';
import './style/look.css';
import './style/frame.css';
import './style/queue.css';
import './style/incident.css';
import './style/casework.css';
import './style/search.css';
import './style/pages.css';
import './style/investigate.css';
import './style/narrow.css';
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { createRoot } from 'react-dom/client';
import { Fault } from './api/client';
import { router } from './routes';
import { theme } from './theme';

const nonce = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content ?? '';
// What locks the page's scrolling under a dialog makes a style of its own, and looks for the nonce here.
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = nonce;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (times, error) => times < 2 && error instanceof Fault && error.status === 0,
      refetchOnWindowFocus: false, // what one reads does not move; the stream says what is new
      staleTime: 5_000,
    },
  },
});

createRoot(document.getElementById('root') as HTMLElement).render(
  <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </MantineProvider>,
);
