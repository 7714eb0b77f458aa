import type { Schemas } from '../api/client';
import { count } from '../ui/format';
import { Panel } from '../ui/parts';
import { type Hour, weekOf } from './week';

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const hours = Array.from({ length: 24 }, (_, h) => String(h).padStart(2, '0'));

/** Heat is a week of hours: shade is what was usual before, a dot is now. It is a table, which a screen reader walks cell by cell. */
export function Heat({ panel }: { panel: Schemas['HuntPanel'] }) {
  return (
    <Panel title="Hours of the week, UTC" aside={<span className="dim">shade: before · dot: now · red: new</span>}>
      <table className="heat">
        <caption className="heard">Events by weekday and hour: now, and before</caption>
        <thead>
          <tr>
            <th scope="col">
              <span className="heard">Day</span>
            </th>
            {hours.map((h, i) => (
              <th key={h} scope="col">
                <span className={i % 6 === 0 ? '' : 'heard'}>{h}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weekOf(panel.habits ?? []).map((week, d) => (
            <tr key={days[d]}>
              <th scope="row">{days[d]}</th>
              {week.map((h, i) => (
                <td
                  key={hours[i]}
                  data-strength={h.strength}
                  className={h.fresh ? 'fresh' : undefined}
                  title={`${days[d]} ${hours[i]}:00: ${said(h)}`}
                >
                  <span className="heard">{said(h)}</span>
                  {h.now > 0 && <i />}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function said(h: Hour): string {
  if (h.now === 0 && h.before === 0) return 'none';
  return `${count(h.now)} now, ${count(h.before)} before${h.fresh ? ', new' : ''}`;
}
