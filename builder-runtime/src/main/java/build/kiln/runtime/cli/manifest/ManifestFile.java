package build.kiln.runtime.cli.manifest;

import build.kiln.api.v1alpha1.ImageBuild;
import build.kiln.api.v1alpha1.ImageMirrorSpec;
import build.kiln.api.v1alpha1.ImagePrunePolicy;
import build.kiln.api.work.MirrorOrder;
import build.kiln.api.work.NodeOrder;
import build.kiln.api.work.PruneOrder;
import build.kiln.api.work.WorkOrder;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import java.util.List;
import java.util.Map;

/** What a file that is to be run holds. */
public sealed interface ManifestFile {
  /** A work order, as a builder pod gets it. */
  record Order(WorkOrder order) implements ManifestFile {}

  /**
   * An ImageBuild that an API server would accept.
   *
   * @param build without status; values that the file leaves out are the defaults
   * @param configMaps by name, then by key, of the same file
   * @param notes what was left aside, a line each, with the place
   */
  record Manifest(ImageBuild build, Map<String, Map<String, byte[]>> configMaps, List<String> notes)
      implements ManifestFile {}

  /** A work order of an ImageMirror. */
  record OrderedMirror(MirrorOrder order) implements ManifestFile {}

  /**
   * An ImageMirror that an API server would accept. Its parts: to make the resource itself takes as
   * long as a small mirror's run.
   *
   * @param spec values that the file leaves out are the defaults
   * @param notes what was left aside, a line each, with the place
   */
  record Mirror(ObjectMeta metadata, ImageMirrorSpec spec, List<String> notes)
      implements ManifestFile {}

  /** A work order of an ImagePrunePolicy. */
  record OrderedPrune(PruneOrder order) implements ManifestFile {}

  /**
   * An ImagePrunePolicy that an API server would accept.
   *
   * @param policy without status; values that the file leaves out are the defaults
   * @param notes what was left aside, a line each, with the place
   */
  record Prune(ImagePrunePolicy policy, List<String> notes) implements ManifestFile {}

  /** The order of a pod that prunes a node. */
  record OrderedNode(NodeOrder order) implements ManifestFile {}

  /** Makes what {@link #read} needs for an ImageMirror, on another thread than will read it. */
  static void prepareMirror() {
    Schemas.imageMirror();
  }

  /**
   * Reads a file: a work order in JSON, or YAML (or JSON) with exactly one ImageBuild, ConfigMaps
   * and other documents, or with exactly one ImageMirror or ImagePrunePolicy and other documents.
   *
   * @param name the file's name, for messages
   * @throws ManifestException if it cannot be run, with every problem that was found
   */
  static ManifestFile read(String name, byte[] text) {
    return new ManifestReader(name).read(text);
  }
}
