// Package crashtest shows what the ledger promises where it is hardest to keep:
// when the process dies in the middle, when many write at once from several
// processes, and when somebody changes the database behind Sluice's back. And it
// looks for secrets everywhere where none may be, for whoever may not see them. It
// holds tests alone and works on the real store, on both engines.
package crashtest
