import pg from 'pg'

/** The tables that the documentation's examples speak of. */
export async function fillExampleTables(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`
    CREATE TABLE users (
      id integer PRIMARY KEY,
      email text NOT NULL UNIQUE
    );
    CREATE TABLE posts (
      id integer PRIMARY KEY,
      author_id integer NOT NULL REFERENCES users,
      title text NOT NULL,
      published boolean NOT NULL DEFAULT false,
      views integer NOT NULL DEFAULT 0
    );
    CREATE TABLE audit_log (
      id integer PRIMARY KEY,
      line text NOT NULL
    );
    INSERT INTO users VALUES (1, 'ada@example.org'), (2, 'grace@example.org');
    INSERT INTO posts VALUES (1, 1, 'Notes', true), (2, 1, 'Drafts', false), (3, 2, 'Compilers', true);
  `)
  await client.end()
}
