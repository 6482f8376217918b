// Command bench measures what docs/benchmarks.md promises and prints it as one
// table: each row on real servers, real sockets and real disks of this machine,
// with the floor that it cannot go below measured in the same run. It asserts
// nothing; a number is only as good as the machine that is printed with it.
package main
