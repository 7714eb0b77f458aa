import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, got } from '../api/client';
import { eventQuestion, record } from '../search/ask';
import { Time, Trouble, Waiting } from '../ui/parts';
import { Raw } from '../ui/raw';
import { visible } from '../ui/visible';
import type { Card } from './asks';
import { Value } from './facts';

const atOnce = 50;

interface EventsProps {
  cards: readonly Card[];
  uids: readonly string[];
  of?: number; // how many there are in all, where not all are named
}

/** Events are the calls behind a sentence or an alert; each opens its record, raw beside OCSF. */
export function Events({ cards, uids, of = 0 }: EventsProps) {
  const [open, setOpen] = useState<string>();
  const [most, setMost] = useState(atOnce);
  const known = new Map(cards.map((c) => [c.uid, c]));
  return (
    <div className="events">
      {uids.slice(0, most).map((uid) => {
        const c = known.get(uid);
        return (
          <div key={uid} className="event">
            <button
              type="button"
              className="event-head"
              aria-expanded={open === uid}
              onClick={() => setOpen(open === uid ? undefined : uid)}
            >
              {c ? <CardLine card={c} /> : <span className="mono">{visible(uid)}</span>}
            </button>
            {open === uid && <EventRecord uid={uid} card={c} />}
          </div>
        );
      })}
      {uids.length > most && (
        <Button size="xs" variant="default" onClick={() => setMost(most + 200)}>
          {(uids.length - most).toLocaleString('en')} more
        </Button>
      )}
      {of > uids.length && (
        <p className="dim">
          {(of - uids.length).toLocaleString('en')} more are not listed here: search the lake for them.
        </p>
      )}
    </div>
  );
}

function CardLine({ card: c }: { card: Card }) {
  return (
    <>
      <Time at={c.time} short />
      <strong>{visible(c.operation)}</strong>
      <span className="dim">{visible(c.service.replace('.amazonaws.com', ''))}</span>
      <span className={c.outcome === 'success' ? 'dim' : 'bad'}>{visible(c.error || c.outcome)}</span>
      <span className="dim">{visible([c.src_ip, c.country, c.as_org].filter(Boolean).join(' · '))}</span>
    </>
  );
}

/** EventRecord asks the lake for an event: the record as it came beside what was made of it. */
export function EventRecord({ uid, card }: { uid: string; card?: Card }) {
  const asked = useQuery({
    queryKey: ['event', uid],
    queryFn: ({ signal }) => got(api.POST('/api/v1/search', { body: eventQuestion(uid, card?.time), signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const found = asked.data && record(asked.data);
  return (
    <div className="record">
      {card && (
        <dl className="facts">
          <Fact name="who" text={card.origin.name || card.origin.id} value={card.origin.id} type="origin" />
          <Fact name="as" text={card.principal} type="principal" />
          <Fact name="from" text={card.src_ip} type="ip" />
          <Fact name="account" text={card.account} type="account" />
          <Fact name="Region" text={card.region} />
          <Fact name="access key" text={card.access_key} type="access_key" />
          <Fact name="agent" text={card.user_agent} type="user_agent" />
          <Fact name="in" text={`${card.source}, record ${card.record}`} plain />
        </dl>
      )}
      {asked.isPending && <Waiting what="Asking the lake" />}
      {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
      {asked.data && !found && (
        <p className="dim">
          {card?.raw
            ? 'The lake does not hold this event yet, or no longer; this is the record that the finding keeps.'
            : 'The lake does not hold this event: it is being stored (up to a minute), or its days are past.'}
        </p>
      )}
      <div className="beside">
        <Raw label="Record, as it came" value={found?.raw ?? card?.raw ?? ''} />
        {found && <Raw label="OCSF" value={found.ocsf} />}
      </div>
    </div>
  );
}

interface FactProps {
  name: string;
  text?: string;
  value?: string;
  type?: string;
  plain?: boolean;
}

function Fact({ name, text, value, type, plain }: FactProps) {
  if (!text) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {plain ? (
          <span className="said">{visible(text.slice(0, 400))}</span>
        ) : (
          <Value text={value ?? text} name={text} type={type} />
        )}
      </dd>
    </div>
  );
}
