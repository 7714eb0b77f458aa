import { useQuery } from '@tanstack/react-query';
import { useMe } from '../api/asks';
import { api, got } from '../api/client';
import { Ago, Time } from '../ui/parts';
import { visible } from '../ui/visible';
import { Act, List, useSettled } from './list';

/** Sessions are the open ones: one's own, or everybody's for who governs. */
export function Sessions() {
  const me = useMe();
  const asked = useQuery({ queryKey: ['sessions'], queryFn: () => got(api.GET('/api/v1/sessions')) });
  const { fault, run } = useSettled('sessions');
  return (
    <List
      title="Open sessions"
      columns={['Who', 'From', 'Since', 'Last seen', 'End']}
      asked={asked}
      fault={fault}
      row={(s) => ({
        key: s.id,
        cells: [
          visible(s.person),
          <>
            {visible(s.address)} <span className="dim">{visible(s.client.slice(0, 90))}</span>
            {(s.also_from ?? []).length > 0 && (
              <p className="bad">
                Used from {(s.also_from ?? []).map((n) => visible(n)).join(', ')} since. Where that is not where{' '}
                {visible(s.person)} works, somebody else has this session: end it.
              </p>
            )}
          </>,
          <Time key="since" at={s.created_at} />,
          <Ago key="seen" at={s.seen_at} />,
          s.id === me.data?.session ? (
            <span className="dim">this one</span>
          ) : (
            <Act
              says="End"
              run={() => run(() => got(api.DELETE('/api/v1/sessions/{uid}', { params: { path: { uid: s.id } } })))}
            />
          ),
        ],
      })}
    />
  );
}
