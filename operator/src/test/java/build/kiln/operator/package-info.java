/** Tests of the operator as a whole. */
@NullMarked
package build.kiln.operator;

import org.jspecify.annotations.NullMarked;
