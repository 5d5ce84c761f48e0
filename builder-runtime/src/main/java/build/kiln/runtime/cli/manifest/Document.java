package build.kiln.runtime.cli.manifest;

import build.kiln.api.v1alpha1.ImageBuild;
import java.util.Optional;

/** A resource of a file, not yet checked. */
record Document(Tree tree, String apiVersion, String kind) {
  static final String BUILD_VERSION = ImageBuild.GROUP + "/" + ImageBuild.VERSION;
  static final String BUILD_KIND = "ImageBuild";
  static final String MIRROR_KIND = "ImageMirror";
  static final String POLICY_KIND = "ImagePrunePolicy";

  /** Empty if it does not say what it is. */
  static Optional<Document> of(Tree tree) {
    Optional<String> kind = tree.field("kind").flatMap(Tree::text);
    return tree.field("apiVersion")
        .flatMap(Tree::text)
        .flatMap(version -> kind.map(k -> new Document(tree, version, k)));
  }

  boolean isBuild() {
    return apiVersion.equals(BUILD_VERSION) && kind.equals(BUILD_KIND);
  }

  boolean isMirror() {
    return apiVersion.equals(BUILD_VERSION) && kind.equals(MIRROR_KIND);
  }

  boolean isPolicy() {
    return apiVersion.equals(BUILD_VERSION) && kind.equals(POLICY_KIND);
  }

  boolean isConfigMap() {
    return apiVersion.equals("v1") && kind.equals("ConfigMap");
  }

  Place place() {
    return tree.place();
  }

  Optional<String> name() {
    return metadata("name");
  }

  Optional<String> namespace() {
    return metadata("namespace");
  }

  private Optional<String> metadata(String field) {
    return tree.field("metadata").flatMap(m -> m.field(field)).flatMap(Tree::text);
  }

  /** {@code ConfigMap "site" (v1)}. */
  String title() {
    return kind + name().map(n -> " \"" + n + "\"").orElse("") + " (" + apiVersion + ")";
  }
}
