/**
 * The path of the program: what `JACKFIELD_BIN` names, else that of the package of this platform.
 * Throws when there is none.
 */
export declare function findBinary(): string
