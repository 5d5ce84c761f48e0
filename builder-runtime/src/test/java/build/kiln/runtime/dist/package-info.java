/**
 * What is installed around the jars: the launcher. It is tried with a java that only says how it
 * was started.
 */
@NullMarked
package build.kiln.runtime.dist;

import org.jspecify.annotations.NullMarked;
