import { createRootRoute, createRoute, createRouter, Link, lazyRouteComponent } from '@tanstack/react-router';
import { Door } from './session/door';
import { Shell } from './shell/shell';
import { Empty, Trouble } from './ui/parts';

/** words keeps of a query string what a page knows, and drops what is no text. */
function words<K extends string>(...names: K[]) {
  return (search: Record<string, unknown>): Partial<Record<K, string>> => {
    const out: Partial<Record<K, string>> = {};
    for (const n of names) {
      const v = search[n];
      if (v !== undefined && v !== null && v !== '') out[n] = String(v);
    }
    return out;
  };
}

const root = createRootRoute({ notFoundComponent: Nothing });
const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell });
const under = () => shell;

const queueWords = words(
  'suppressed',
  'status',
  'min_severity',
  'assignee',
  'verdict',
  'q',
  'rule',
  'incident',
  'sort',
  'at',
  'preview',
);
const signIn = createRoute({ getParentRoute: () => root, path: '/sign-in', component: () => <Door joining={false} /> });
const accept = createRoute({
  getParentRoute: () => root,
  path: '/accept',
  validateSearch: words('for'),
  component: () => <Door joining />,
});
const pages = [
  createRoute({ getParentRoute: under, path: '/', component: lazyRouteComponent(() => import('./home/home'), 'Home') }),
  createRoute({
    getParentRoute: under,
    path: '/incidents',
    validateSearch: queueWords,
    component: lazyRouteComponent(() => import('./queue/queue'), 'Incidents'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/alerts',
    validateSearch: queueWords,
    component: lazyRouteComponent(() => import('./queue/queue'), 'Alerts'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/incidents/$uid',
    validateSearch: words('tab', 'sentence', 'event', 'set'),
    component: lazyRouteComponent(() => import('./incident/page'), 'IncidentPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/alerts/$uid',
    component: lazyRouteComponent(() => import('./incident/alert'), 'AlertPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/search',
    validateSearch: words('filter', 'sql', 'from', 'to', 'mention', 'event', 'own'),
    component: lazyRouteComponent(() => import('./search/page'), 'SearchPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/entity',
    validateSearch: words('kind', 'value', 'from', 'to', 'depth', 'view', 'own'),
    component: lazyRouteComponent(() => import('./entity/page'), 'EntityPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/pivot',
    validateSearch: words('value', 'from', 'to', 'deep', 'event', 'own'),
    component: lazyRouteComponent(() => import('./pivot/page'), 'PivotPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/hunts',
    validateSearch: words('hunt', 'make', 'filter', 'sql', 'sigma', 'span', 'draft'),
    component: lazyRouteComponent(() => import('./hunts/page'), 'Hunts'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/sources',
    component: lazyRouteComponent(() => import('./sources/sources'), 'Sources'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/dead-letters',
    validateSearch: words('source'),
    component: lazyRouteComponent(() => import('./sources/deadletters'), 'DeadLetters'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/rules',
    validateSearch: words('q', 'show', 'rule'),
    component: lazyRouteComponent(() => import('./rules/rules'), 'Rules'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/attack',
    component: lazyRouteComponent(() => import('./attack/attack'), 'Attack'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/ledger',
    component: lazyRouteComponent(() => import('./ledger/ledger'), 'Ledger'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/coverage',
    component: lazyRouteComponent(() => import('./coverage/coverage'), 'Coverage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/intelligence',
    validateSearch: words('value'),
    component: lazyRouteComponent(() => import('./intel/intel'), 'Intelligence'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/audit',
    validateSearch: words('actor', 'action', 'object'),
    component: lazyRouteComponent(() => import('./audit/audit'), 'Audit'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/settings',
    component: lazyRouteComponent(() => import('./settings/settings'), 'Settings'),
  }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren([signIn, accept, shell.addChildren(pages)]),
  // A query string is words, as a person would write it: no quotes around numbers.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const words = Object.entries(search).filter(([, v]) => v !== undefined && v !== null && v !== '');
    const text = new URLSearchParams(words.map(([k, v]) => [k, String(v)])).toString();
    return text && `?${text}`;
  },
  defaultPreload: 'intent',
  defaultErrorComponent: ({ error, reset }) => (
    <main className="page">
      <Trouble error={error instanceof Error ? error : new Error(String(error))} retry={reset} />
    </main>
  ),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

function Nothing() {
  return (
    <main className="page">
      <Empty title="There is no such page">
        The address may be old or mistyped. <Link to="/">Go home</Link>
      </Empty>
    </main>
  );
}
