/** What keeps a template harmless (docs/templates.md); the limits that a deployment may change are settings of the renderer instead. */
export const SOURCE_MAX_BYTES = 65_536
/** Statements and expressions of one field. 5,000 mustaches took 0.6 s to compile, 50,000 took 8 s. */
export const NODES_MAX = 2_000
/** Of one field, before it is parsed: no template within the other limits comes near. */
export const TOKENS_MAX = 20_000
/** Blocks and sub-expressions within one another, and names in a path; 2,000 of them overflow the compiler's stack. */
export const DEPTH_MAX = 16
/** Of all loops of one render together: four loops of 60 in one another made 12 MB in 6 s. */
export const ITERATIONS_MAX = 1_000
/** An author mends a few at a time; the list must not grow with a hostile template. */
export const PROBLEMS_MAX = 20
