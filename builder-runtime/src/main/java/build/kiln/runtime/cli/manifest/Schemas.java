package build.kiln.runtime.cli.manifest;

import build.kiln.runtime.oci.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/**
 * The schemas that documents are held against: those of Kiln's kinds are the CRDs' own; what the
 * CRD leaves to the API server (metadata, ConfigMaps) is written here.
 */
final class Schemas {
  private static final String BUILDS = "META-INF/kiln/imagebuilds.kiln.build.schema.json";
  private static final String MIRRORS = "META-INF/kiln/imagemirrors.kiln.build.schema.json";
  private static final String POLICIES = "META-INF/kiln/imageprunepolicies.kiln.build.schema.json";

  private static final String CONFIG_MAP =
      """
      type: object
      required: [metadata]
      properties:
        apiVersion: {type: string}
        kind: {type: string}
        immutable: {type: boolean}
        data: {type: object, additionalProperties: {type: string}}
        binaryData: {type: object, additionalProperties: {type: string}}
        metadata:
          type: object
          required: [name]
          properties:
            name: {type: string, minLength: 1, maxLength: 253}
            generateName: {type: string, maxLength: 253}
            namespace: {type: string, maxLength: 63}
            labels: {type: object, additionalProperties: {type: string, maxLength: 63}}
            annotations: {type: object, additionalProperties: {type: string}}
            uid: {type: string}
            resourceVersion: {type: string}
            selfLink: {type: string}
            generation: {type: integer}
            creationTimestamp: {}
            deletionTimestamp: {}
            deletionGracePeriodSeconds: {type: integer}
            finalizers: {type: array, items: {type: string}}
            ownerReferences: {type: array, items: {x-kubernetes-preserve-unknown-fields: true}}
            managedFields: {type: array, items: {x-kubernetes-preserve-unknown-fields: true}}
      """;

  private static @Nullable JsonNode mirrors;

  private Schemas() {}

  static JsonNode configMap() {
    return YamlReader.read("ConfigMap's schema", CONFIG_MAP).getFirst().json();
  }

  static JsonNode imageBuild() {
    return of(BUILDS);
  }

  /** Made once, whoever asks first. */
  static synchronized JsonNode imageMirror() {
    JsonNode made = mirrors == null ? of(MIRRORS) : mirrors;
    mirrors = made;
    return made;
  }

  /** Of an ImagePrunePolicy. */
  static JsonNode prunePolicy() {
    return of(POLICIES);
  }

  /** Of the document as a whole; its status may be anything. */
  private static JsonNode of(String file) {
    JsonNode others = configMap();
    ObjectNode schema = read(file);
    ObjectNode properties = (ObjectNode) schema.get("properties");
    properties.putObject("status").put("x-kubernetes-preserve-unknown-fields", true);
    for (String name : new String[] {"apiVersion", "kind", "metadata"}) {
      properties.set(name, others.path("properties").path(name));
    }
    schema.withArrayProperty("required").insert(0, "metadata");
    return schema;
  }

  /** The generated CRD's schema, from the API's module. */
  private static ObjectNode read(String file) {
    try (InputStream in = Schemas.class.getClassLoader().getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("the API's jar has no " + file);
      }
      return (ObjectNode) Json.tree(in);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }
}
