/**
 * The one contract between whoever asks for work and {@code kiln run}: the work order that goes in,
 * the records that come out. Both the operator and the desk make the same order; only {@code kiln
 * run} translates it into work.
 */
@NullMarked
package build.kiln.api.work;

import org.jspecify.annotations.NullMarked;
