/**
 * The system calls that Java lacks, by the foreign-function interface: file system calls relative
 * to a directory handle with names as bytes, and what a sandbox is made of. Linux only.
 */
@NullMarked
package build.kiln.runtime.posix;

import org.jspecify.annotations.NullMarked;
