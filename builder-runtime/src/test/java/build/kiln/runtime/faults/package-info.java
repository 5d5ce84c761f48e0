/** The installed {@code kiln} under load and under faults, as a process among others. */
@NullMarked
package build.kiln.runtime.faults;

import org.jspecify.annotations.NullMarked;
