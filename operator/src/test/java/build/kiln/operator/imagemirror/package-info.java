/** Tests of the ImageMirror reconciler: its whole life on an API server, what it refuses. */
@NullMarked
package build.kiln.operator.imagemirror;

import org.jspecify.annotations.NullMarked;
