import { useMay, useMe } from '../api/asks';
import { visible } from '../ui/visible';
import { Installation } from './installation';
import { People } from './people';
import { allOr } from './rights';
import { Sessions } from './sessions';
import { Tokens } from './tokens';

/** Settings are one's own sessions, for who governs people and tokens, and for who sees all accounts what this installation was told. */
export function Settings() {
  const govern = useMay('govern');
  const me = useMe();
  return (
    <div className="page">
      <header className="page-head">
        <h1>Settings</h1>
        <span className="dim">
          {me.data && `${visible(me.data.name)}, ${me.data.role}; sees ${allOr(me.data.accounts, 'all accounts')}`}
        </span>
      </header>
      <Sessions />
      {govern && <People />}
      {govern && <Tokens />}
      {me.data?.accounts?.includes('*') && <Installation />}
    </div>
  );
}
