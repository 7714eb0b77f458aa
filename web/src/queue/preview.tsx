import { Link } from '@tanstack/react-router';
import { AlertBody } from '../incident/alert';
import { useAlert, useCase } from '../incident/asks';
import { Why } from '../incident/facts';
import { Story } from '../incident/story';
import { Said, Severity, Trouble, Waiting } from '../ui/parts';
import type { Kind } from './change';
import type { Finding } from './queue';

/** Preview shows beside the list what the row with the cursor is about. */
export function Preview({ kind, row }: { kind: Kind; row: Finding }) {
  return (
    <aside className="preview" aria-label="Beside the list">
      {kind === 'incidents' ? <IncidentBeside uid={row.uid} /> : <AlertBeside uid={row.uid} />}
    </aside>
  );
}

function IncidentBeside({ uid }: { uid: string }) {
  const asked = useCase(uid);
  if (asked.error) return <Trouble error={asked.error} retry={() => asked.refetch()} />;
  const c = asked.data;
  if (!c) return <Waiting what="Reading the incident" />;
  return (
    <>
      <Severity level={c.severity} />
      <h2>
        <Link to="/incidents/$uid" params={{ uid }}>
          <Said text={c.headline} />
        </Link>
      </h2>
      <Story incident={c} />
      <Why score={c.score} parts={c.score_parts} steps={c.severity_steps} />
    </>
  );
}

function AlertBeside({ uid }: { uid: string }) {
  const asked = useAlert(uid);
  if (asked.error) return <Trouble error={asked.error} retry={() => asked.refetch()} />;
  if (!asked.data) return <Waiting what="Reading the alert" />;
  return (
    <>
      <h2>
        <Link to="/alerts/$uid" params={{ uid }}>
          <Said text={asked.data.sentence || asked.data.title} />
        </Link>
      </h2>
      <AlertBody alert={asked.data} />
    </>
  );
}
