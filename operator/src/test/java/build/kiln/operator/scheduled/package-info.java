/** Tests of kinds that run on a schedule, by table. */
@NullMarked
package build.kiln.operator.scheduled;

import org.jspecify.annotations.NullMarked;
