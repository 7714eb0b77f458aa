import { useQuery } from '@tanstack/react-query';
import { api, got } from '../api/client';
import { Panel, Trouble, Waiting } from '../ui/parts';
import { visible } from '../ui/visible';

/** Installation is what tocsin.yaml and environment.yaml say; both are changed on the server. */
export function Installation() {
  const asked = useQuery({ queryKey: ['settings'], queryFn: () => got(api.GET('/api/v1/settings')) });
  const s = asked.data;
  return (
    <>
      <Panel title="This installation">
        {asked.isPending && <Waiting what="Reading settings" />}
        {asked.error && <Trouble error={asked.error} retry={() => asked.refetch()} />}
        {s && (
          <dl className="facts">
            <Fact name="version" value={s.version} />
            <Fact name="listens at" value={`${s.listen}${s.tls ? ', with TLS' : ''}`} />
            <Fact name="keeps all in" value={s.data} />
            <Fact name="desk" value={s.desk} />
            <Fact name="rules" value={s.rules ?? 'those that ship'} />
            <div>
              <dt>retention</dt>
              <dd>
                {(s.retention ?? []).length === 0 && 'everything is kept'}
                {(s.retention ?? []).map((r) => (
                  <div key={r.source}>
                    {r.source ? visible(r.source) : 'all other sources'}: {r.days} days
                  </div>
                ))}
              </dd>
            </div>
          </dl>
        )}
        <p className="dim">Its file is tocsin.yaml on the server; change it there and start Tocsin again.</p>
      </Panel>
      {s && (
        <Panel title="Environment">
          {s.environment ? (
            <p>
              Read at the start from <code>{visible(s.environment)}</code>. As the file stands now:
            </p>
          ) : (
            <p>
              None: what only you know of the organisation is unknown. <code>tocsin environment propose</code> drafts
              one from the logs.
            </p>
          )}
          {s.environment_fault && <Trouble error={new Error(s.environment_fault)} />}
          {s.environment_text && (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keyboard
            <pre className="yaml" tabIndex={0}>
              {visible(s.environment_text, true)}
            </pre>
          )}
        </Panel>
      )}
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{visible(value)}</dd>
    </div>
  );
}
