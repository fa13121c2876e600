import type { CatalogRows } from './rows.js'

/** Tables that inherit from each other, or are partitions of each other, at any depth. */
export interface Tree {
  readonly members: readonly number[]
  /** The one member that all others descend from; undefined where there are several, or where rows may change unseen. */
  readonly root: number | undefined
}

/**
 * B8: the tree of each relation that is in one. Temporary relations are left out, as they come and go with sessions: a
 * process that sees one must name the same stamps as a process that does not.
 */
export function buildTrees(rows: CatalogRows): ReadonlyMap<number, Tree> {
  const lasting = new Set(rows.relations.filter((relation) => !relation[4]).map(([oid]) => oid))
  const foreign = new Set(rows.relations.filter((relation) => relation[3] === 'f').map(([oid]) => oid))
  const links = rows.inherits.filter(([child, parent]) => lasting.has(child) && lasting.has(parent))
  const neighbours = new Map<number, number[]>()
  const heirs = new Set<number>()
  for (const [child, parent] of links) {
    heirs.add(child)
    neighbours.set(child, [...(neighbours.get(child) ?? []), parent])
    neighbours.set(parent, [...(neighbours.get(parent) ?? []), child])
  }

  const trees = new Map<number, Tree>()
  for (const start of neighbours.keys()) {
    if (trees.has(start)) continue
    const members = new Set([start])
    for (const member of members) for (const next of neighbours.get(member) ?? []) members.add(next)
    const roots = [...members].filter((member) => !heirs.has(member))
    // What a foreign server does to the rows of a foreign table, nobody here sees.
    const followed = roots.length === 1 && ![...members].some((member) => foreign.has(member))
    const tree = { members: [...members].sort((a, b) => a - b), root: followed ? roots[0] : undefined }
    for (const member of members) trees.set(member, tree)
  }
  return trees
}
