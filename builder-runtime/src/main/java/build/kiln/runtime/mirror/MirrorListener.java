package build.kiln.runtime.mirror;

import build.kiln.api.v1alpha1.ImageMirrorStatus.Image;

/** Is told of a mirror's run as it goes; called from many threads. */
public interface MirrorListener extends CopyListener {
  /** An image is done, or a tag deleted, or either has failed. */
  default void image(Image image) {}
}
