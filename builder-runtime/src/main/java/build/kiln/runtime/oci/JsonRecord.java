package build.kiln.runtime.oci;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The form of a record: an object with the record's fields, in their order. What it does not know
 * is passed over when read.
 *
 * @param <T> the record
 */
public final class JsonRecord<T> implements JsonForm<T> {
  private final Function<Fields, T> reading;
  private final List<Field<T, ?>> fields;

  private JsonRecord(Function<Fields, T> reading, List<Field<T, ?>> fields) {
    this.reading = reading;
    this.fields = fields;
  }

  /**
   * @param reading makes a record of a document's fields
   * @param fields those that are written, in order
   */
  @SafeVarargs
  public static <T> JsonRecord<T> of(Function<Fields, T> reading, Field<T, ?>... fields) {
    return new JsonRecord<>(reading, List.of(fields));
  }

  @Override
  public T read(JsonNode json, String place) {
    if (!json.isObject()) {
      throw JsonForm.want(place, "an object", json);
    }
    return reading.apply(new Fields(json, place));
  }

  @Override
  public JsonNode write(T value) {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    fields.forEach(field -> field.write(value, object));
    return object;
  }

  /**
   * The fields of one object.
   *
   * @param place where in its document it is
   */
  public record Fields(JsonNode json, String place) {
    /** The value; null if it is not there, or JSON's null. */
    public <V> @Nullable V get(Field<?, V> field) {
      JsonNode value = json.get(field.name);
      return value == null || value.isNull() ? null : field.form.read(value, placeOf(field));
    }

    /** The value, or another where there is none. */
    public <V> V get(Field<?, V> field, V otherwise) {
      V value = get(field);
      return value == null ? otherwise : value;
    }

    /**
     * @throws OciException if it is not there, or JSON's null
     */
    public <V> V need(Field<?, V> field) {
      V value = get(field);
      if (value == null) {
        throw JsonForm.wrong(placeOf(field), "is missing");
      }
      return value;
    }

    private String placeOf(Field<?, ?> field) {
      return place.isEmpty() ? field.name : place + "." + field.name;
    }
  }

  /**
   * One of them.
   *
   * @param <T> the record
   * @param <V> the field's type
   */
  public static final class Field<T, V> {
    private final String name;
    private final JsonForm<V> form;
    private final Function<T, @Nullable V> getter;
    private final boolean evenEmpty;

    private Field(
        String name, JsonForm<V> form, Function<T, @Nullable V> getter, boolean evenEmpty) {
      this.name = name;
      this.form = form;
      this.getter = getter;
      this.evenEmpty = evenEmpty;
    }

    /** Written unless it is null. */
    public static <T, V> Field<T, V> of(
        String name, JsonForm<V> form, Function<T, @Nullable V> getter) {
      return new Field<>(name, form, getter, true);
    }

    /** Written unless it is null, or an empty string, array or object. */
    public static <T, V> Field<T, V> ifAny(
        String name, JsonForm<V> form, Function<T, @Nullable V> getter) {
      return new Field<>(name, form, getter, false);
    }

    private void write(T of, ObjectNode into) {
      V value = getter.apply(of);
      if (value != null) {
        JsonNode json = form.write(value);
        if (evenEmpty || !isEmpty(json)) {
          into.set(name, json);
        }
      }
    }

    private static boolean isEmpty(JsonNode json) {
      return json.isContainerNode()
          ? json.isEmpty()
          : json.isTextual() && json.textValue().isEmpty();
    }
  }
}
