-- The blog that the statements of this folder were recorded on. `"_PostToTag"` is Prisma's implicit join table.

CREATE TABLE users (
  id serial PRIMARY KEY,
  email text NOT NULL UNIQUE,
  name text NOT NULL,
  is_staff boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE categories (
  id serial PRIMARY KEY,
  slug text NOT NULL,
  title text NOT NULL
);

CREATE TABLE posts (
  id serial PRIMARY KEY,
  title text NOT NULL,
  body text NOT NULL DEFAULT '',
  category_id integer REFERENCES categories (id) ON DELETE SET NULL,
  author_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  visible boolean NOT NULL DEFAULT true,
  views integer NOT NULL DEFAULT 0,
  price numeric(10, 2),
  published_at timestamptz,
  meta jsonb
);

CREATE TABLE tags (
  id serial PRIMARY KEY,
  name text NOT NULL
);

CREATE TABLE post_tags (
  post_id integer NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  tag_id integer NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
  PRIMARY KEY (post_id, tag_id)
);

CREATE TABLE profiles (
  id serial PRIMARY KEY,
  user_id integer NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,
  bio text NOT NULL DEFAULT ''
);

CREATE TABLE "_PostToTag" (
  "A" integer NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  "B" integer NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
  PRIMARY KEY ("A", "B")
);
