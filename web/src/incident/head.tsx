import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Schemas } from '../api/client';
import type { useDecide } from '../queue/decide';
import { verdictTone } from '../queue/row';
import { Key, Said, Severity, State, Trouble } from '../ui/parts';
import { visible } from '../ui/visible';
import { Clocks } from './clocks';

interface HeadProps {
  decision: Schemas['Decision'];
  title: string;
  when: ReactNode;
  deciding: ReturnType<typeof useDecide>;
  /** whole is an incident's: its clocks run, somebody works on it, and there is more that can be done. */
  whole?: boolean;
  acts?: ReactNode;
  children?: ReactNode;
}

/** Head is what a finding is, how it stands, and what can be decided about it. */
export function Head({ decision: d, title, when, deciding, whole, acts, children }: HeadProps) {
  const { may, me, open } = deciding;
  return (
    <header>
      <div className="marks">
        <Severity level={d.severity} />
        <State word={d.status} />
        {d.verdict && <State word={d.verdict} tone={verdictTone[d.verdict]} />}
        <span className="dim">{d.assignee ? `with ${visible(d.assignee)}` : 'nobody works on it'}</span>
        {whole && <Clocks decision={d} />}
      </div>
      <h1>
        <Said text={title} />
      </h1>
      <div className="dim">{when}</div>
      <div className="acts">
        <Button size="xs" disabled={!may} onClick={() => open('verdict')}>
          Verdict&nbsp;<Key>v</Key>
        </Button>
        {whole && (
          <>
            <Button
              size="xs"
              variant="default"
              disabled={!may || me?.kind !== 'person'}
              onClick={() => me && deciding.decide({ assignee: me.name })}
            >
              Take it&nbsp;<Key>a</Key>
            </Button>
            <Button size="xs" variant="default" disabled={!may} onClick={() => open('assignee')}>
              Assign&nbsp;<Key>A</Key>
            </Button>
          </>
        )}
        <Button size="xs" variant="default" disabled={!may} onClick={() => open('status')}>
          Status&nbsp;<Key>s</Key>
        </Button>
        <Button size="xs" variant="default" disabled={!may} onClick={() => open('severity')}>
          Severity&nbsp;<Key>e</Key>
        </Button>
        <Button size="xs" variant="default" disabled={!may} onClick={() => open('note')}>
          Note&nbsp;<Key>n</Key>
        </Button>
        {acts}
        {!may && me && <span className="dim">Your role, {me.role}, reads only.</span>}
      </div>
      {deciding.fault && <Trouble error={deciding.fault} />}
      {children}
    </header>
  );
}
