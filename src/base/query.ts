/** The port through which rooms below the drivers ask the database: run this SQL, give rows as text by position. */
export type Query = (sql: string, params?: readonly string[]) => Promise<readonly (readonly (string | null)[])[]>
