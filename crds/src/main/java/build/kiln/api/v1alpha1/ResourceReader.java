package build.kiln.api.v1alpha1;

import build.kiln.api.v1alpha1.ImageBuildSpec.PodTemplate;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reads a resource whatever its spec and status hold: an informer that meets one object which it
 * cannot read stops, and with it the work of everyone. A spec is read as a whole or not at all; of
 * a status, which Kiln itself writes anew, what another release wrote is left out.
 */
abstract class ResourceReader<R extends KilnResource<S, T>, S, T> extends JsonDeserializer<R> {
  private static final ObjectMapper SPEC = JsonMapper.builder().build();

  private static final ObjectMapper STATUS =
      JsonMapper.builder()
          .enable(DeserializationFeature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private final Supplier<R> made;
  private final Class<S> specType;
  private final Class<T> statusType;

  ResourceReader(Supplier<R> made, Class<S> specType, Class<T> statusType) {
    this.made = made;
    this.specType = specType;
    this.statusType = statusType;
  }

  /**
   * Finds what Jackson takes and nobody can use.
   *
   * @throws JsonMappingException with the field's path
   */
  abstract void check(S spec) throws JsonMappingException;

  @Override
  public R deserialize(JsonParser parser, DeserializationContext context) throws IOException {
    var tree = context.readTree(parser);
    var resource = made.get();
    if (tree.hasNonNull("metadata")) {
      resource.setMetadata(context.readTreeAsValue(tree.get("metadata"), ObjectMeta.class));
    }
    if (tree.hasNonNull("spec")) {
      readSpec(resource, tree.get("spec"));
    }
    if (tree.hasNonNull("status")) {
      resource.setStatus(status(tree.get("status").deepCopy()));
    }
    return resource;
  }

  private void readSpec(R resource, JsonNode tree) {
    try {
      var spec = Objects.requireNonNull(SPEC.treeToValue(tree, specType));
      check(spec);
      resource.setSpec(spec);
    } catch (JsonMappingException e) {
      unreadable(resource, tree, "%s cannot be read: %s".formatted(at(e), e.getOriginalMessage()));
    } catch (JsonProcessingException | RuntimeException e) {
      unreadable(resource, tree, "spec cannot be read: " + e.getMessage());
    }
  }

  private void unreadable(R resource, JsonNode tree, String why) {
    resource.keep(new KilnResource.Unreadable(tree, why));
  }

  /** fabric8 takes any text for a quantity, and fails when two of them are compared. */
  final void checkQuantities(@Nullable PodTemplate pod) throws JsonMappingException {
    var resources =
        pod == null || pod.resources() == null ? new ResourceRequirements() : pod.resources();
    for (var of :
        List.of(
            Map.entry("limits", orNone(resources.getLimits())),
            Map.entry("requests", orNone(resources.getRequests())))) {
      for (var quantity : of.getValue().entrySet()) {
        checkQuantity(
            "podTemplate.resources.%s.%s".formatted(of.getKey(), quantity.getKey()),
            quantity.getValue());
      }
    }
  }

  private static Map<String, Quantity> orNone(@Nullable Map<String, Quantity> quantities) {
    return quantities == null ? Map.of() : quantities;
  }

  final void checkQuantity(String field, @Nullable Quantity quantity) throws JsonMappingException {
    try {
      Objects.requireNonNull(quantity, "it is null").getNumericalAmount();
    } catch (RuntimeException e) {
      var wrong =
          new JsonMappingException(
              null, "\"%s\" is no quantity such as 500m, 2 or 4Gi".formatted(quantity));
      List.of(field.split("[.]", 4)).reversed().forEach(name -> wrong.prependPath(specType, name));
      throw wrong;
    }
  }

  /** Reads a status without the parts that cannot be read, if there are any. */
  private @Nullable T status(JsonNode tree) {
    while (true) {
      try {
        return STATUS.treeToValue(tree, statusType);
      } catch (JsonMappingException e) {
        if (!remove(tree, e.getPath())) {
          return null;
        }
      } catch (JsonProcessingException | RuntimeException e) {
        return null;
      }
    }
  }

  /** Takes away what a path leads to; false if there is no such thing. */
  private static boolean remove(JsonNode tree, List<JsonMappingException.Reference> path) {
    if (path.isEmpty()) {
      return false;
    }
    var parent = tree;
    for (var step : path.subList(0, path.size() - 1)) {
      parent = step.getFieldName() == null ? parent.path(step.getIndex()) : field(parent, step);
    }
    var last = path.getLast();
    return switch (parent) {
      case ObjectNode object -> object.remove(last.getFieldName()) != null;
      case ArrayNode array -> array.remove(last.getIndex()) != null;
      default -> false;
    };
  }

  private static JsonNode field(JsonNode parent, JsonMappingException.Reference step) {
    return parent.path(step.getFieldName());
  }

  private static String at(JsonMappingException e) {
    return e.getPath().stream()
        .map(
            step ->
                step.getFieldName() == null
                    ? "[" + step.getIndex() + "]"
                    : "." + step.getFieldName())
        .collect(Collectors.joining("", "spec", ""));
  }
}
