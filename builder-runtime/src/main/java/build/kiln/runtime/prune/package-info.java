/** Plans what nobody needs any more, and deletes nothing else. */
@NullMarked
package build.kiln.runtime.prune;

import org.jspecify.annotations.NullMarked;
