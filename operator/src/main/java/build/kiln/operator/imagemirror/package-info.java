/** The ImageMirror reconciler: what a kind that runs on a schedule needs to know of mirrors. */
@NullMarked
package build.kiln.operator.imagemirror;

import org.jspecify.annotations.NullMarked;
