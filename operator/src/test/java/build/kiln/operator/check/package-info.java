/** The installation check against the embedded API server. */
@NullMarked
package build.kiln.operator.check;

import org.jspecify.annotations.NullMarked;
