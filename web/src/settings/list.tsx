import { Button, Select, TextInput } from '@mantine/core';
import { type UseQueryResult, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Panel, Scroll, Trouble, Waiting } from '../ui/parts';
import { type Role, roleChoices } from './rights';

/** useSettled runs a change of a list, then reads the list anew. */
export function useSettled(key: string) {
  const client = useQueryClient();
  const [fault, setFault] = useState<Error>();
  async function run(work: () => Promise<unknown>) {
    try {
      await work();
      setFault(undefined);
    } catch (e) {
      setFault(e as Error);
    }
    await client.invalidateQueries({ queryKey: [key] });
  }
  return { fault, run };
}

interface ListProps<T> {
  title: string;
  columns: readonly string[]; // the last one holds what can be done
  asked: UseQueryResult<T[] | null>;
  fault?: Error;
  row: (item: T) => { key: string; cells: readonly ReactNode[] };
  children?: ReactNode; // how one is added
}

/** List is what can be ended line by line, and added to. */
export function List<T>({ title, columns, asked, fault, row, children }: ListProps<T>) {
  return (
    <Panel title={title}>
      {asked.isPending && <Waiting what={`Reading ${title.toLowerCase()}`} />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      <Scroll label={title}>
        <table className="grid cards">
          <thead>
            <tr>
              {columns.map((c) => (
                <th key={c}>{c}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {asked.data?.map((item) => {
              const { key, cells } = row(item);
              return (
                <tr key={key}>
                  {cells.map((cell, i) => (
                    <td key={columns[i]} data-is={columns[i]}>
                      {cell}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </Scroll>
      {fault && <Trouble error={fault} />}
      {children}
    </Panel>
  );
}

/** Act is a small button in a line; where it asks, a person confirms first. */
export function Act({ says, asks, run }: { says: string; asks?: string; run: () => unknown }) {
  return (
    <Button size="compact-xs" variant="default" onClick={() => (!asks || confirm(asks)) && run()}>
      {says}
    </Button>
  );
}

/** Rights are the two fields that say what somebody may, and on what. */
export function Rights({ may, accounts }: { may: Role; accounts?: string }) {
  return (
    <>
      <TextInput
        name="accounts"
        size="xs"
        label="Accounts"
        placeholder="all; or numbers with commas between"
        defaultValue={accounts}
      />
      <Select name="role" size="xs" label="Role" data={roleChoices} defaultValue={may} allowDeselect={false} />
    </>
  );
}

/** Shown is a secret that is shown once. */
export function Shown({ says, secret }: { says: string; secret: string }) {
  return (
    <p role="status">
      {says} <code className="secret">{secret}</code>
    </p>
  );
}
