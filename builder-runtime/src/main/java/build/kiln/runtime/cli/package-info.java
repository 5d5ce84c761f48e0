/** The kiln command: arguments in, progress and exit codes out. */
@NullMarked
package build.kiln.runtime.cli;

import org.jspecify.annotations.NullMarked;
