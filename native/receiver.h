// Getters that cannot be called on an object of another class.
#pragma once

#include <napi.h>

namespace conntrack_ftp {

/**
 * A read-only counter of class T. napi_define_class gives methods a V8 signature, which rejects a foreign
 * receiver. Accessors have none, and unwrapping a foreign object as a T would misread its memory. So each
 * instance carries `T::kTypeTag` (see `Tag`), a random number for its class, which the getter checks.
 */
template <typename T, uint32_t (T::*Read)() const>
napi_value ReadCounter(napi_env env, napi_callback_info raw) {
  const Napi::CallbackInfo info(env, raw);
  bool ours = false;
  if (!info.This().IsObject() ||
      napi_check_object_type_tag(env, info.This(), &T::kTypeTag, &ours) != napi_ok || !ours) {
    Napi::TypeError::New(env, "Illegal invocation").ThrowAsJavaScriptException();
    return nullptr;
  }
  const T* object = T::Unwrap(info.This().template As<Napi::Object>());
  return Napi::Number::New(env, (object->*Read)());
}

template <typename T, uint32_t (T::*Read)() const>
Napi::ClassPropertyDescriptor<T> Counter(const char* name) {
  napi_property_descriptor property{};
  property.utf8name = name;
  property.getter = ReadCounter<T, Read>;
  property.attributes = napi_enumerable;
  return property;
}

template <typename T>
void Tag(Napi::Object object) {
  napi_type_tag_object(object.Env(), object, &T::kTypeTag);
}

}  // namespace conntrack_ftp
