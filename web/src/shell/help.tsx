import { Modal, Table } from '@mantine/core';
import { Key } from '../ui/parts';
import { places } from './places';

const keys: readonly [string, readonly (readonly [string, string])[]][] = [
  [
    'Everywhere',
    [
      ['ctrl K', 'go anywhere, run a command, search'],
      ['/', 'search'],
      ['?', 'these keys'],
      ['u', 'undo the last decision, for 30 seconds'],
      ['esc', 'close what is open'],
    ],
  ],
  [
    'In lists',
    [
      ['j  k', 'next, previous'],
      ['enter', 'open'],
      ['x', 'select'],
      ['p', 'show beside the list'],
      ['r', 'show what is new'],
    ],
  ],
  [
    'About a finding',
    [
      ['v', 'verdict: then t, b or f, then enter'],
      ['a', 'assign to me'],
      ['s', 'status: then its letter'],
      ['e', 'severity: then its letter, then why'],
      ['n', 'note'],
      ['m', 'merge another incident into it'],
      ['S', 'split: take alerts out of it'],
    ],
  ],
  [
    'Looking into it',
    [
      ['1  2  3', 'steps of what an entity is tied to'],
      ['t', 'ties as a table, or drawn'],
      ['p', 'everything that mentions an entity; on a rule: propose a filter'],
      ['c', 'on a search: copy it as SQL, Sigma or jq'],
      ['m', 'on a search: make a rule of it'],
      ['w', 'also what Tocsin wrote about itself'],
      ['y', 'run the hunt; accept the filter'],
      ['d', 'draft a rule of the hunt, t tests and accepts it'],
      ['v', 'verify all of the ledger, on its page'],
      ['c', 'freeze the incident, on its Evidence'],
      ['f', 'add files to the set that is open'],
    ],
  ],
  ['Go to', places.map((p) => [`g ${p.key}`, p.title] as const)],
];

/** KeyHelp shows what keys do. */
export function KeyHelp({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal opened={opened} onClose={close} title="Keys" size="lg">
      <div className="keyhelp">
        {keys.map(([title, rows]) => (
          <section key={title} aria-label={title}>
            <h3>{title}</h3>
            <Table verticalSpacing={3}>
              <Table.Tbody>
                {rows.map(([key, does]) => (
                  <Table.Tr key={key}>
                    <Table.Td>
                      <Key>{key}</Key>
                    </Table.Td>
                    <Table.Td>{does}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </section>
        ))}
      </div>
    </Modal>
  );
}
