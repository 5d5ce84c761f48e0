/** Tests of what all kinds share whose work is done by Jobs. */
@NullMarked
package build.kiln.operator.job;

import org.jspecify.annotations.NullMarked;
