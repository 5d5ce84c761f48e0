@NullMarked
package build.kiln.runtime.ssh;

import org.jspecify.annotations.NullMarked;
