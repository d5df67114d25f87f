import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nameIn, sqlPattern, sqlStatements } from './sql-statements.ts'

test('statements end at semicolons that stand outside of texts, names and comments', () => {
  const script = String.raw`-- a comment; 'with a quote
\restrict abc;def
CREATE ROLE "a;b";
COMMENT ON ROLE x IS 'it''s; -- no comment
second line';
ALTER ROLE x SET a TO E'back\'slash; here';
SELECT $tag$ ; ' $tag$, $$;$$;
  -- between
GRANT a TO b`
  assert.deepEqual(sqlStatements(script), [
    'CREATE ROLE "a;b"',
    "COMMENT ON ROLE x IS 'it''s; -- no comment\nsecond line'",
    String.raw`ALTER ROLE x SET a TO E'back\'slash; here'`,
    "SELECT $tag$ ; ' $tag$, $$;$$",
    'GRANT a TO b',
  ])
})

test('a name is what its quotes hold, and a pattern finds it in either form', () => {
  const pattern = sqlPattern('^CREATE ROLE %I$')
  const found = (text: string) => nameIn(pattern.exec(text)?.[1] ?? 'none')
  assert.equal(found('CREATE ROLE plain_1'), 'plain_1')
  assert.equal(found('CREATE ROLE "say ""hi"" now"'), 'say "hi" now')
  assert.equal(found('CREATE ROLE rôle'), 'rôle')
  assert.equal(found('CREATE ROLE two words'), 'none')
})
