-- The tables of schema.ts, as drizzle-kit would make them.
CREATE TABLE users (
  id serial PRIMARY KEY,
  name text NOT NULL
);

CREATE TABLE categories (
  id serial PRIMARY KEY,
  name text NOT NULL
);

CREATE TABLE tags (
  id serial PRIMARY KEY,
  name text NOT NULL
);

CREATE TABLE posts (
  id serial PRIMARY KEY,
  title text NOT NULL,
  body text NOT NULL,
  author_id integer NOT NULL REFERENCES users,
  category_id integer NOT NULL REFERENCES categories,
  views integer NOT NULL DEFAULT 0,
  likes integer NOT NULL DEFAULT 0,
  published_at timestamp NOT NULL
);

CREATE TABLE post_tags (
  post_id integer NOT NULL REFERENCES posts ON DELETE CASCADE,
  tag_id integer NOT NULL REFERENCES tags ON DELETE CASCADE,
  PRIMARY KEY (post_id, tag_id)
);

CREATE TABLE comments (
  id serial PRIMARY KEY,
  post_id integer NOT NULL REFERENCES posts ON DELETE CASCADE,
  author text NOT NULL,
  body text NOT NULL,
  created_at timestamp NOT NULL DEFAULT now()
);

CREATE INDEX posts_by_category ON posts (category_id, published_at DESC);
CREATE INDEX comments_by_post ON comments (post_id);
