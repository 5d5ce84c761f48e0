package build.kiln.runtime.build;

import build.kiln.runtime.build.BaseImages.BaseImage;
import build.kiln.runtime.layer.Layer;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Platform;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Concurrently;
import java.io.IOException;

/** Brings images into the local store, whole and under their names. */
public final class ImagePuller {
  private final BuildEnvironment environment;

  public ImagePuller(BuildEnvironment environment) {
    this.environment = environment;
  }

  /**
   * Pulls an image; layers that are there are not pulled again.
   *
   * @param name with a tag or a digest
   * @param platform the one to take of an image for several
   * @return the platform's manifest, which the name stands for from now on
   * @throws BuildException BaseImageNotFound, Unauthorized, RegistryUnavailable, DiskFull
   */
  public Descriptor pull(Reference name, Platform platform, BuildProgress progress)
      throws BuildException, InterruptedException {
    var downloads = new Downloads(environment.store(), environment.registry());
    BuildProgress.Activity pulling = progress.export("pulling " + name);
    try {
      BaseImage image =
          new BaseImages(environment, downloads, platform, true).find(name.toString(), pulling);
      Concurrently.all(
          image.layers().stream().map(Layer::descriptor).distinct().toList(),
          blob -> downloads.require(name, blob, pulling));
      environment.store().tag(name, image.manifest());
      pulling.note(name + (name.digest() == null ? "@" + image.digest() : ""));
      pulling.done();
      return image.manifest();
    } catch (IOException e) {
      if (Failures.isInterrupt(e)) {
        throw new InterruptedException("the pull was ended");
      }
      pulling.failed(e.getMessage());
      throw Failures.pulling(name.toString(), e);
    } catch (BuildException e) {
      pulling.failed(e.getMessage());
      throw e;
    }
  }
}
