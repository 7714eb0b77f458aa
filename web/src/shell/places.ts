/** Place is a page that the navigation leads to. */
export interface Place {
  to: string;
  title: string;
  key: string; // after g
  right?: string; // that it needs; reading where it is left out
  group: 'Work' | 'Watch' | 'Run';
}

/** places are all pages of the navigation, in its order. */
export const places: readonly Place[] = [
  { to: '/', title: 'Home', key: 'h', group: 'Work' },
  { to: '/incidents', title: 'Incidents', key: 'i', group: 'Work' },
  { to: '/alerts', title: 'Alerts', key: 'a', group: 'Work' },
  { to: '/search', title: 'Search', key: 's', group: 'Work' },
  { to: '/entity', title: 'Entities', key: 'e', group: 'Work' },
  { to: '/pivot', title: 'Pivot', key: 'p', group: 'Work' },
  { to: '/hunts', title: 'Hunts', key: 'n', group: 'Work' },
  { to: '/rules', title: 'Rules', key: 'r', group: 'Watch' },
  { to: '/attack', title: 'ATT&CK', key: 'k', group: 'Watch' },
  { to: '/coverage', title: 'Coverage', key: 'c', group: 'Watch' },
  { to: '/intelligence', title: 'Intelligence', key: 't', group: 'Watch' },
  { to: '/sources', title: 'Sources', key: 'o', group: 'Run' },
  { to: '/dead-letters', title: 'Dead letters', key: 'd', right: 'tend', group: 'Run' },
  { to: '/ledger', title: 'Ledger', key: 'l', group: 'Run' },
  { to: '/audit', title: 'Audit', key: 'u', right: 'audit', group: 'Run' },
  { to: '/settings', title: 'Settings', key: ',', group: 'Run' },
];

/** matching are the places whose title holds the letters of a text in their order: "dl" finds Dead letters. */
export function matching<T extends { title: string }>(all: readonly T[], text: string): T[] {
  const letters = [...text.toLowerCase().replaceAll(' ', '')];
  return all.filter(({ title }) => {
    let at = 0;
    const name = title.toLowerCase();
    return letters.every((l) => {
      at = name.indexOf(l, at) + 1;
      return at > 0;
    });
  });
}
