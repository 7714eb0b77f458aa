import {
  ActionIcon,
  AppShell,
  Burger,
  Button,
  Menu,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useMe } from '../api/asks';
import { api, got } from '../api/client';
import { useLive, useStream } from '../api/live';
import bell from '../bell.svg';
import { Undo } from '../queue/undo';
import { type Keys, useKeys } from '../ui/keys';
import { Key, Trouble } from '../ui/parts';
import { visible } from '../ui/visible';
import { KeyHelp } from './help';
import { Palette } from './palette';
import { places } from './places';

async function leave() {
  await got(api.DELETE('/api/v1/session'));
  location.assign('/sign-in');
}

/** Shell is what stands around every page: navigation, palette, keys, who one is. */
export function Shell() {
  const me = useMe();
  const go = useNavigate();
  const [nav, { toggle, close }] = useDisclosure();
  const [help, helping] = useDisclosure();
  const [palette, choosing] = useDisclosure();
  const path = useRouterState({ select: (s) => s.location.pathname });
  useStream(/^\/incidents\/([^/]+)$/.exec(path)?.[1]);
  const rights = me.data?.rights ?? [];
  const mine = places.filter((p) => !p.right || rights.includes(p.right));
  const keys: Keys = { '?': helping.open, '/': () => go({ to: '/search' }) };
  for (const p of mine) keys[`g ${p.key}`] = () => go({ to: p.to });
  useKeys(keys, true, false, true);
  usePaletteKey(choosing.toggle);
  const title = places.find((p) => p.to === path)?.title;
  useEffect(() => {
    close();
    if (title) document.title = `${title} · Tocsin`;
  }, [title, close]);
  if (me.error) return <Trouble error={me.error} retry={() => me.refetch()} />;
  return (
    <AppShell
      header={{ height: 48 }}
      navbar={{ width: 196, breakpoint: 'sm', collapsed: { mobile: !nav } }}
      padding={0}
    >
      <a className="skip" href="#page">
        Skip to the page
      </a>
      <AppShell.Header className="top">
        <Burger opened={nav} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
        <Link to="/" className="brand">
          <img src={bell} alt="" width={24} height={24} /> Tocsin
        </Link>
        <button type="button" className="seek" onClick={choosing.open} aria-label="Go anywhere, or search">
          <span>Go anywhere, or search</span> <Key>ctrl K</Key>
        </button>
        <Connection />
        <Scheme />
        <Tooltip label="Keys (?)">
          <ActionIcon variant="subtle" color="gray" onClick={helping.open} aria-label="Show keys">
            ?
          </ActionIcon>
        </Tooltip>
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="subtle" color="gray" size="compact-sm" className="who">
              {me.data ? visible(me.data.name) : '…'}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>{me.data?.role}</Menu.Label>
            <Menu.Item onClick={() => go({ to: '/settings' })}>Settings</Menu.Item>
            <Menu.Item onClick={() => leave().catch(() => location.assign('/sign-in'))}>Sign out</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </AppShell.Header>
      <AppShell.Navbar className="nav" aria-label="Main">
        {(['Work', 'Watch', 'Run'] as const).map((group) => (
          <ul key={group} aria-label={group}>
            {mine
              .filter((p) => p.group === group)
              .map((p) => (
                <li key={p.to}>
                  <Link to={p.to} activeOptions={{ exact: p.to === '/' }} onClick={close}>
                    {p.title} <span className="hint">g {p.key}</span>
                  </Link>
                </li>
              ))}
          </ul>
        ))}
        <div className="version">{me.data?.version}</div>
      </AppShell.Navbar>
      <AppShell.Main id="page" tabIndex={-1}>
        <Outlet />
      </AppShell.Main>
      <Undo />
      <KeyHelp opened={help} close={helping.close} />
      <Palette opened={palette} close={choosing.close} places={mine} />
    </AppShell>
  );
}

function usePaletteKey(toggle: () => void) {
  useEffect(() => {
    function pressed(e: KeyboardEvent) {
      if (!(e.ctrlKey || e.metaKey) || e.key.toLowerCase() !== 'k') return;
      e.preventDefault();
      toggle();
    }
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, [toggle]);
}

/** Connection says when the stream of changes is cut, and else nothing. */
function Connection() {
  const { connected } = useLive();
  if (connected) return <span className="grow" />;
  return (
    <span className="cut grow" role="status">
      No connection: what you see may be old. Trying again…
    </span>
  );
}

function Scheme() {
  const { setColorScheme } = useMantineColorScheme();
  const now = useComputedColorScheme('light');
  const other = now === 'dark' ? 'light' : 'dark';
  return (
    <Tooltip label={`Turn ${other}`}>
      <ActionIcon variant="subtle" color="gray" onClick={() => setColorScheme(other)} aria-label={`Turn ${other}`}>
        {now === 'dark' ? '☀' : '☾'}
      </ActionIcon>
    </Tooltip>
  );
}
